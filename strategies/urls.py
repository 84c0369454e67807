from django.urls import path

from strategies import views

app_name = "strategies"
urlpatterns = [
    path("dashboard/strategies", views.strategy_list, name="list"),
    path("dashboard/strategies/new", views.strategy_new, name="new"),
    path("dashboard/strategies/preview.json", views.strategy_preview, name="preview"),
    path("dashboard/strategies/<int:pk>", views.strategy_detail, name="detail"),
    path("dashboard/strategies/<int:pk>/edit", views.strategy_edit, name="edit"),
    path("dashboard/strategies/<int:pk>/delete", views.strategy_delete, name="delete"),
    path("dashboard/strategies/<int:pk>/checks", views.strategy_checks, name="checks"),
]
