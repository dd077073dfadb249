"""The directory's in-memory twin."""

from invitation_service.directory.records import Respondent, Template


class InMemoryDirectory:
    """Keeps everything in dictionaries; see `Directory` for what each method promises."""

    def __init__(self) -> None:
        super().__init__()
        self._templates: dict[tuple[str, int], Template] = {}
        self._respondents: dict[tuple[str, str], Respondent] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._unsubscribed: set[tuple[str, str]] = set()

    def put_template(self, account: str, template: Template) -> None:
        """See `Directory.put_template`."""
        self._templates[account, template.id] = template

    def template(self, account: str, template_id: int) -> Template | None:
        """See `Directory.template`."""
        return self._templates.get((account, template_id))

    def put_respondent(self, account: str, respondent: Respondent) -> None:
        """See `Directory.put_respondent`."""
        self._respondents[account, respondent.token] = respondent
        self._tokens[account, respondent.email.casefold()] = respondent.token

    def add_respondent(self, account: str, respondent: Respondent) -> Respondent:
        """See `Directory.add_respondent`."""
        if known := self.respondent_at(account, respondent.email):
            return known
        self.put_respondent(account, respondent)
        return respondent

    def respondent(self, account: str, token: str) -> Respondent | None:
        """See `Directory.respondent`."""
        return self._respondents.get((account, token))

    def respondent_at(self, account: str, email: str) -> Respondent | None:
        """See `Directory.respondent_at`."""
        token = self._tokens.get((account, email.casefold()), "")
        found = self.respondent(account, token)
        # The respondent may have got another address since.
        return found if found and found.email.casefold() == email.casefold() else None

    def drop_respondent(self, account: str, token: str) -> None:
        """See `Directory.drop_respondent`."""
        self._respondents.pop((account, token), None)

    def set_unsubscribed(self, account: str, email: str, *, unsubscribed: bool) -> None:
        """See `Directory.set_unsubscribed`."""
        place = (account, email.casefold())
        (self._unsubscribed.add if unsubscribed else self._unsubscribed.discard)(place)

    def is_unsubscribed(self, account: str, email: str) -> bool:
        """See `Directory.is_unsubscribed`."""
        return (account, email.casefold()) in self._unsubscribed
