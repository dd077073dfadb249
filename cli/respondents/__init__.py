"""Respondents: the customers that a file tells of, with the tokens by which a provider knows them."""
