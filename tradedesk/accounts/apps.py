from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tradedesk.accounts"
    label = "accounts"
