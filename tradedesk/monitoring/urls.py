from django.urls import path

from tradedesk.monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("dashboard/health", views.health, name="health"),
    path("metrics", views.metrics, name="metrics"),
]
