"""The guards of the pipeline as flags of the model, each with the place in the code that it stands for."""

GUARDS: dict[str, str] = {
    "ask": "execute._send: an order that was claimed before is asked for before it is sent or blocked",
    "token": "execute._send: a sender that has lost its claim does not send",
    "record": "execute._move: an answer is recorded only by the sender with the last claim",
    "gate": "execute._send: entries are held back while the account is stopped",
    "one id": "Order.client_id_of: an order keeps its client_order_id, so the broker takes it once",
    "fills first": "reconcile._take_over_state: a state is taken over only when its fills are booked",
    "every state": "models.order.TRANSITIONS: every state accepts a fill",
    "unique": "models.order.Fill: a fill is unique by the broker's activity id",
    "cursor": "reconcile.reconcile: the cursor moves after the booking",
    "requeue": "requeue.lost_orders: an order whose worker has stopped becomes UNKNOWN",
    "given up": "reconcile._cancel_given_up: an order that the desk had ended and the broker has is cancelled",
    "claimed before": "Order.cancels_to: an order that was claimed before is not cancelled at the desk alone",
    "looks": "absence.never_had: a cancelled order that the broker does not have ends after several looks",
    "free shares": "plan._free_shares: an exit waits until its shares are free",
    "make again": "keep_exits.protect_lot: a protective exit that ended is made again",
    "retry": "exit_retries: an exit that was refused or has expired is made again",
    "epoch": "the broker's submit and fills._book: what belongs to emptied records is refused",
}
ALL = frozenset(GUARDS)
