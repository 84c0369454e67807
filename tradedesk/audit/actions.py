"""The recorded actions and their words, by what they concern. A name that is not here is shown as it is."""

GROUPS = {
    "Orders and fills": {
        "order_created": "Order made",
        "order_accepted": "Order accepted by the broker",
        "order_rejected": "Order rejected by the broker",
        "order_blocked": "Order held back",
        "order_unknown": "Order sent, without an answer",
        "order_pending": "Order to be sent again",
        "order_cancel_pending": "Cancellation asked for",
        "order_cancelled": "Order cancelled",
        "order_expired": "Order expired",
        "order_filled": "Order filled",
        "cancel_order": "Order cancelled by hand",
        "fill": "Fill taken over",
        "fill_corrected": "Fill corrected by the broker",
        "execute_signal": "Signal executed by hand",
        "dismiss_signal": "Signal dismissed",
        "close": "Positions closed by hand",
    },
    "Live strategies": {
        "deploy": "Deployed",
        "new_version": "Deployed as a new version",
        "start": "Started",
        "pause": "Paused",
        "stop": "Stopped",
        "error": "Stopped with an error",
        "edit": "Edited",
        "delete": "Deleted",
    },
    "Halts and limits": {
        "halt_entries": "Entries stopped",
        "halt_orders": "Entries stopped, entry orders cancelled",
        "halt_flatten": "Flattened",
        "halt_lifted": "Halt lifted",
        "rule_added": "Account rule added",
        "rule_changed": "Account rule changed",
        "rule_switched_on": "Account rule switched on",
        "rule_switched_off": "Account rule switched off",
        "rule_moved": "Account rule moved",
        "rule_deleted": "Account rule deleted",
        "rule_tripped": "Loss limit reached",
        "peak_restarted": "Peak restarted",
        "sectors_saved": "Sectors saved",
        "paper_reset": "Paper account emptied",
        "replay_reset": "Replay restarted",
    },
    "Bars": {
        "bars_imported": "Bars imported",
        "bars_deleted": "Bars deleted",
        "bars_restored": "Bars restored",
    },
    "Log-in": {
        "log_in": "Logged in",
        "log_in_failed": "Log-in failed",
        "log_out": "Logged out",
        "sign_up": "Signed up",
        "sessions_ended": "Other sessions ended",
        "password_changed": "Password changed",
        "email_changed": "Address changed",
        "second_factor_added": "Second factor added",
        "second_factor_removed": "Second factor removed",
        "recovery_codes_renewed": "Recovery codes renewed",
        "token_issued": "API token made",
        "token_revoked": "API token revoked",
    },
    "Operators": {
        "deactivate": "User deactivated",
        "activate": "User activated",
        "admin_added": "Added in the admin",
        "admin_changed": "Changed in the admin",
        "admin_deleted": "Deleted in the admin",
    },
}
LABELS = {action: label for actions in GROUPS.values() for action, label in actions.items()}
CHOICES = [(group, list(actions.items())) for group, actions in GROUPS.items()]


def label_of(action: str) -> str:
    return LABELS.get(action, action)
