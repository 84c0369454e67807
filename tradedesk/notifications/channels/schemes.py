"""The services that a messenger channel may use, by their apprise schemes. Pure.

Only services that are reached over HTTP. Left out are those that write to this machine (syslog, dbus, desktop
notifications), run or read files of it, speak other protocols (SMTP, IRC, MQTT), or send to any URL (json, form,
apprise), for which there is the webhook.
"""

# fmt: off
ALLOWED = frozenset((
    "bark", "barks", "chanify", "dingtalk", "discord", "feishu", "flock", "gchat", "gotify", "gotifys",
    "groupme", "guilded", "hassio", "hassios", "ifttt", "join", "lametric", "lametrics", "lark", "line",
    "mastodon", "mastodons", "matrix", "matrixs", "messagebird", "mmost", "mmosts", "msgbird", "nctalk",
    "nctalks", "notica", "noticas", "ntfy", "ntfys", "opsgenie", "pagerduty", "pbul", "pover", "prowl",
    "psafer", "psafers", "pushdeer", "pushdeers", "pushed", "pushy", "revolt", "rocket", "rockets", "ryver",
    "schan", "signal", "signals", "signl4", "slack", "spike", "splunk", "spush", "synology", "synologys",
    "tgram", "threema", "toot", "toots", "twilio", "twist", "vonage", "webex", "wecombot", "whatsapp",
    "workflow", "workflows", "wxteams", "zulip",
))
# fmt: on
