from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tradedesk.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added

        from tradedesk.accounts import log_records
        from tradedesk.accounts.second_factors import end_access_without, renew
        from tradedesk.keyring import on_renewal

        on_renewal(renew)
        log_records.connect()
        authenticator_added.connect(end_access_without)
