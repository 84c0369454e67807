from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "tradedesk.audit"
    label = "audit"
