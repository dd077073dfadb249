"""Accounts' mail settings, out of SSM."""

from collections.abc import Callable

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from invitation_service.mailing.outcomes import MailServerError
from invitation_service.mailing.settings import (
    MailSettings,
    MailSettingsError,
    read_mail_settings,
)

CACHED_SECONDS = 60


class MailAccounts:
    """Reads accounts' mail settings; what was read is good for a minute.

    Args:
        provider: Makes the SSM provider, at the first look.
        prefix: What the parameters' names begin with, before the account.
        logger: Told what is wrong with settings: names of fields, never a value.
    """

    def __init__(self, provider: Callable[[], SSMProvider], prefix: str, logger: Logger) -> None:
        self._provider = provider
        self._prefix = prefix
        self._logger = logger

    def __call__(self, account: str) -> MailSettings:
        """Return an account's mail settings.

        Raises:
            MailServerError: There are none, or they are wrong.
        """
        name = f"{self._prefix}/{account}"
        try:
            text = self._provider().get(name, max_age=CACHED_SECONDS, decrypt=True)
            return read_mail_settings(str(text))
        except GetParameterError as error:
            kind = type(error.__cause__ or error).__name__
            self._logger.error("mail settings unreadable", account=account, error_type=kind)  # noqa: TRY400 - no text.
            missing = kind == "ParameterNotFound" or "ParameterNotFound" in str(error)
            reason = "no_settings" if missing else "settings_unreadable"
            raise MailServerError(reason, account_fault=missing) from None
        except MailSettingsError as error:
            self._logger.error("mail settings wrong", account=account, fault=str(error))  # noqa: TRY400 - no text.
            raise MailServerError("wrong_settings", account_fault=True) from None
