"""The language of a page: what was chosen, else the recipient's, else the browser's."""

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.texts.catalogue import Texts, texts_in


def texts_for(event: APIGatewayProxyEventV2, *wanted: str | None) -> Texts:
    """Return the texts of a page.

    Args:
        event: The request. Its parameter `lang` goes before what is wanted, its header
            Accept-Language after, in the order in which it has them.
        wanted: Language tags, the most wanted first.
    """
    accepted = event.headers.get("accept-language", "").split(",")
    tags = [each.partition(";")[0].strip() for each in accepted]
    return texts_in(event.query_string_parameters.get("lang"), *wanted, *tags)
