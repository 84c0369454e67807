from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tradedesk.accounts"
    label = "accounts"

    def ready(self) -> None:
        from tradedesk.accounts import log_records
        from tradedesk.accounts.second_factors import renew
        from tradedesk.keyring import on_renewal

        on_renewal(renew)
        log_records.connect()
