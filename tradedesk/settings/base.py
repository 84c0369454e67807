"""All settings. They come from the environment; `.env.example` lists every variable with its default."""

import os
import sys
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from environ import Env

from tradedesk.exposure import host_of, is_loopback
from tradedesk.monitoring.scrubbing import scrubber
from tradedesk.settings.environment import (
    folder_storage,
    read_choice,
    read_count,
    read_database,
    read_email,
    read_flag,
    read_folder,
    read_folder_url,
    read_host_url,
    read_names,
    read_networks,
    read_origins,
    read_positive,
    read_redis,
    read_secret,
    read_secrets,
    read_text,
    read_time,
)
from tradedesk.settings.logs import configure_structlog, logging_settings
from tradedesk.settings.sentry import start_sentry

# Makes ModelAdmin[Strategy] and similar types valid at run time, as the type checker requires.
django_stubs_ext.monkeypatch()
# The warning concerns WhiteNoise, whose files are small. The desk's own streams are asynchronous under ASGI.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = Env()
env.read_env(str(BASE_DIR / ".env"))

# --- The desk --------------------------------------------------------------------------------------------

# What the desk writes is its owner's alone: the database, keys, uploads.
os.umask(0o077)
DATA_DIR = read_folder(env, "DESK_DATA_DIR", default=BASE_DIR / "var")
# Strategy plugins: Python files with one or several strategy kinds each.
STRATEGY_DIR = read_folder(env, "STRATEGY_DIR", default=DATA_DIR / "strategies")
# The time limit of a plugin's code in one live check.
STRATEGY_SECONDS = read_positive(env, "STRATEGY_SECONDS", default=10.0)
DEBUG = read_flag(env, "DEBUG", default=False)
# Secure cookies, HSTS and the redirect to https. The one-process desk serves plain http on this machine, so its
# default is off.
HTTPS = read_flag(env, "HTTPS", default=not DEBUG and sys.argv[1:2] != ["desk"])
BEHIND_PROXY = read_flag(env, "BEHIND_PROXY", default=False)
# Whether others can reach the desk: it listens on another address than this machine's own, or behind a proxy.
REACHABLE = sys.argv[1:2] != ["desk"] or not is_loopback(host_of(sys.argv, os.environ)) or BEHIND_PROXY
SECRET_KEY = read_secret(env, "SECRET_KEY", DATA_DIR / "secret.key")
# Encrypt the secrets in the database; the first one encrypts, all decrypt.
ENCRYPTION_KEYS = read_secrets(env, "ENCRYPTION_KEY", DATA_DIR / "encryption.key")
# Where they are, unless the environment has them.
ENCRYPTION_KEY_FILE = None if read_text(env, "ENCRYPTION_KEY", default="") else DATA_DIR / "encryption.key"
ALLOWED_HOSTS = read_names(env, "ALLOWED_HOSTS", default=("127.0.0.1", "localhost", "[::1]"))
CSRF_TRUSTED_ORIGINS = read_names(env, "CSRF_TRUSTED_ORIGINS", default=())
VERSION = "0.1.0"

INSTALLED_APPS = [
    "tradedesk.monitoring",
    "tradedesk.accounts",
    "tradedesk.audit",
    "tradedesk.marketdata",
    "tradedesk.notifications",
    "strategies",
    "backtests",
    "livetrading",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_celery_beat",
    "django_prometheus",
    "django_htmx",
    "ninja",
    "csp",
    "corsheaders",
    "whitenoise.runserver_nostatic",
    "tradedesk.admin_site.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "tradedesk",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tradedesk.middleware.Compressed",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tradedesk.middleware.note_origin",
    "tradedesk.middleware.private_pages",
    "tradedesk.unchanged.answer_unchanged",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "tradedesk.urls"
WSGI_APPLICATION = "tradedesk.wsgi.application"
ASGI_APPLICATION = "tradedesk.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tradedesk.marketdata.context.market",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
MARKET_TIME_ZONE = "America/New_York"
LANGUAGE_CODE = "en-us"
USE_THOUSAND_SEPARATOR = False

# --- Database, queue, cache ------------------------------------------------------------------------------

DATABASES = {
    "default": read_database(env, "DATABASE_URL", default=f"sqlite:///{(DATA_DIR / 'desk.sqlite3').as_posix()}")
}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

# Counts and times the queries.
DATABASES["default"]["ENGINE"] = DATABASES["default"]["ENGINE"].replace("django.", "django_prometheus.", 1)

REDIS_URL = read_redis(env, "REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "tradedesk.fallback_cache.FallbackCache",
        "LOCATION": REDIS_URL,
        # A Redis that does not respond must not block the pages.
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "database": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "fallback_cache"},
}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        # A Redis that does not respond costs a page, which publishes without a retry, this time at most.
        "socket_connect_timeout": 1,
        "socket_timeout": 2,
        "max_retries": 0,
        # A worker of several queues takes from the first one that has a message: -Q urgent,celery.
        "queue_order_strategy": "priority",
    }
    if REDIS_URL
    else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # without results, the nightly task that deletes them is not needed
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Trading uses Celery's default queue. The first check of a deployment and a halt go before everything else.
# Research has its own queue and workers, so that it never delays an order.
CELERY_TASK_DEFAULT_QUEUE = "celery"
URGENT_QUEUE = "urgent"
RESEARCH_QUEUE = "research"
# Evidence waits until no backtest does: somebody looks at a backtest now, and at its evidence later.
EVIDENCE_QUEUE = "evidence"
# Sending to channels waits for servers of others, so it has threads of its own.
NOTIFICATION_QUEUE = "notifications"
CELERY_TASK_ROUTES = (
    {f"livetrading.tasks.{task}": {"queue": URGENT_QUEUE} for task in ("check_now", "tick_now")}
    | {f"backtests.tasks.{task}": {"queue": RESEARCH_QUEUE} for task in ("run_backtest", "run_chunk")}
    | {
        f"livetrading.tasks.{task}": {"queue": RESEARCH_QUEUE}
        for task in ("compare_with_backtests", "replay_decisions")
    }
    | {"tradedesk.marketdata.tasks.run_downloads": {"queue": RESEARCH_QUEUE}}
    | {
        f"backtests.tasks.compute_{subject}_evidence": {"queue": EVIDENCE_QUEUE}
        for subject in ("backtest", "run", "candidate")
    }
    | {
        task: {"queue": NOTIFICATION_QUEUE}
        for task in (
            "tradedesk.notifications.tasks.*",
            "livetrading.tasks.summarize_closed_sessions",
            "livetrading.tasks.test_connection",
            "livetrading.tasks.compare_times",
            # It reads all files and delays no order there.
            "tradedesk.tasks.make_nightly_backup",
            # Ten megabytes, whenever somebody types in the search for symbols.
            "tradedesk.marketdata.tasks.refresh_assets",
        )
    }
)
CELERY_BEAT_SCHEDULER = "tradedesk.beat:DeskScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
# The interval of each task in seconds. The table of the scheduler has whole seconds and ignores Celery's
# `expires`. A message older than `expire_seconds` is dropped; the next one does the same work.
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"expire_seconds": max(5, seconds)}}
    for task, seconds in {
        "tradedesk.marketdata.tasks.advance_replay": 1,
        "tradedesk.marketdata.tasks.delete_old_uploads": 600,
        "tradedesk.marketdata.tasks.update_bars": 1,
        "tradedesk.marketdata.tasks.plan_updates": 10,
        "tradedesk.marketdata.tasks.continue_downloads": 5,
        "tradedesk.marketdata.tasks.refresh_kept_series": 300,
        "tradedesk.notifications.tasks.send_notifications": 2,
        "tradedesk.notifications.tasks.delete_old_notifications": 60,
        "livetrading.tasks.dispatch_due_accounts": 1,
        "livetrading.tasks.requeue_lost_orders": 5,
        "livetrading.tasks.requeue_lost_tests": 15,
        "livetrading.tasks.watch_missed_checks": 15,
        "livetrading.tasks.compare_times": 60,
        "tradedesk.monitoring.tasks.store_health": 5,
        "tradedesk.tasks.make_nightly_backup": 60,
        "livetrading.tasks.carry_computed_evidence": 60,
        "livetrading.tasks.raise_promoted_sizes": 60,
        "livetrading.tasks.summarize_closed_sessions": 10,
        "livetrading.tasks.delete_old_decisions": 60,
        "livetrading.tasks.compare_with_backtests": 10,
        "livetrading.tasks.replay_decisions": 10,
        "backtests.tasks.recover_backtests": 15,
        "backtests.tasks.recover_optimizer_runs": 15,
    }.items()
}
# A worker that runs one proves that its queue is served. The research worker takes from the queue “evidence” too.
CELERY_BEAT_SCHEDULE |= {
    f"tradedesk.tasks.heartbeat of {component}": {
        "task": "tradedesk.tasks.heartbeat",
        "schedule": 5,
        "args": (component,),
        "options": {"expire_seconds": 5, "queue": queue},
    }
    for component, queue in {
        "worker": CELERY_TASK_DEFAULT_QUEUE,
        "urgent": URGENT_QUEUE,
        "research": RESEARCH_QUEUE,
        "notifications": NOTIFICATION_QUEUE,
    }.items()
}

# --- The market ------------------------------------------------------------------------------------------

# replay: sample bars, as if they closed now. real: the wall clock and imported bars. alpaca: the wall clock, and
# bars that the desk downloads and keeps up to date.
MARKET = read_choice(env, "MARKET", ("replay", "real", "alpaca"), default="replay")
REPLAY_SECONDS_PER_BAR = read_positive(env, "REPLAY_SECONDS_PER_BAR", default=5.0)
# The replay waits at most so long (wall time) for the checks, orders and fills of a session.
REPLAY_MAX_WAIT = read_positive(env, "REPLAY_MAX_WAIT", default=60.0)
REPLAY_START = read_text(env, "REPLAY_START", default="2010-01-04")
# The bars of a symbol are read from the first provider that has them.
BAR_PROVIDERS = ("alpaca", "csv", "sample") if MARKET == "alpaca" else ("csv", "alpaca", "sample")
# What one user may store; the versions that are kept for undoing may have as much again.
MAX_SERIES_PER_USER = read_count(env, "MAX_SERIES_PER_USER", default=500)
MAX_BARS_PER_USER = read_count(env, "MAX_BARS_PER_USER", default=10_000_000)
# The demo user has five strategies to begin with; only on the replay market.
DEMO_USER = MARKET == "replay" and read_flag(env, "DEMO_USER", default=True)
# The brokers by the name that an account has: a function that gives the adapter for an account and a market time.
BROKERS = {
    "paper": "livetrading.brokers.simulation.broker.connect",
    "alpaca": "livetrading.brokers.alpaca.connect",
}
# Those with a stream of order updates, and the function that listens to it for an account.
BROKER_STREAMS = {"alpaca": "livetrading.brokers.alpaca.stream.updates"}
# Whether accounts at brokers are used. Not on the replay: bars of the past would trade the money of today.
TRADES_AT_BROKERS = MARKET != "replay"
PAPER_STARTING_CASH = read_positive(env, "PAPER_STARTING_CASH", default=100_000.0)

# --- Alpaca ----------------------------------------------------------------------------------------------

# The hosts of market data, and of the lists of what can be traded.
ALPACA_DATA_URL = read_host_url(env, "ALPACA_DATA_URL", default="https://data.alpaca.markets")
ALPACA_API_BASE_URL = read_host_url(env, "ALPACA_API_BASE_URL", default="https://api.alpaca.markets")
ALPACA_PAPER_API_BASE_URL = read_host_url(
    env, "ALPACA_PAPER_API_BASE_URL", default="https://paper-api.alpaca.markets"
)
# Keys for the market data of all users. Without them, users download with the keys of their own accounts.
ALPACA_DATA_KEY_ID = read_text(env, "ALPACA_DATA_KEY_ID", default="")
ALPACA_DATA_SECRET = read_text(env, "ALPACA_DATA_SECRET", default="")
# iex: the trades of one exchange, free of charge. sip: those of all exchanges.
ALPACA_FEED = read_choice(env, "ALPACA_FEED", ("iex", "sip"), default="iex")
# What one account may ask in any minute.
ALPACA_REQUESTS_PER_MINUTE = read_count(env, "ALPACA_REQUESTS_PER_MINUTE", default=200)

# --- Research --------------------------------------------------------------------------------------------

# What one user may have in the queue at a time.
MAX_QUEUED_BACKTESTS = read_count(env, "MAX_QUEUED_BACKTESTS", default=20)
MAX_QUEUED_RUNS = read_count(env, "MAX_QUEUED_RUNS", default=5)
MAX_QUEUED_COMBINATIONS = read_count(env, "MAX_QUEUED_COMBINATIONS", default=5_000_000)
# Live strategies of one user that are not stopped.
MAX_LIVE_STRATEGIES = read_count(env, "MAX_LIVE_STRATEGIES", default=500)

# --- Users -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_ADAPTER = "tradedesk.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
SIGNUP_OPEN = read_flag(env, "SIGNUP_OPEN", default=not REACHABLE)
# Where strangers can sign up, an address is confirmed first: so nobody learns which addresses have an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if SIGNUP_OPEN and REACHABLE else "none"
ACCOUNT_RATE_LIMITS = {
    # Failed log-ins: for each address, and for each account from one address, so that a stranger elsewhere cannot
    # lock a user out (tradedesk/accounts/adapter.py).
    "login_failed": "10/m/ip,5/5m/key",
}
# Before a password, a second factor or a token changes, the password is asked for again.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
USERSESSIONS_ADAPTER = "tradedesk.accounts.adapter.SessionsAdapter"
MFA_ADAPTER = "tradedesk.accounts.second_factors.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "tradedesk"
# The clock of a phone may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# The addresses of this desk need no confirmation where nobody can sign up from outside.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# A browser accepts passkeys on plain http only for this machine itself.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
# Live mode, in which orders use real money, only for users with two-factor log-in.
LIVE_NEEDS_SECOND_FACTOR = read_flag(env, "LIVE_NEEDS_SECOND_FACTOR", default=REACHABLE)
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
API_TOKEN_HOURS = read_positive(env, "API_TOKEN_HOURS", default=24.0)
EMAIL_BACKEND = read_text(env, "EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
# The mail server; it replaces the backend above.
globals().update(read_email(env, "EMAIL_URL"))
DEFAULT_FROM_EMAIL = read_text(env, "DEFAULT_FROM_EMAIL", default="tradedesk@localhost")
EMAIL_TIMEOUT = 10
# The address of the desk for links in messages, such as https://desk.example.com.
DESK_URL = read_text(env, "DESK_URL", default="")
# Whether channels may reach this machine and private networks: every user can then send requests there.
NOTIFY_PRIVATE_ADDRESSES = read_flag(env, "NOTIFY_PRIVATE_ADDRESSES", default=False)

# --- Files -----------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    BASE_DIR / "build" / "static",
    ("vendor/idiomorph", BASE_DIR / "node_modules" / "idiomorph" / "dist"),
    ("vendor/inter", BASE_DIR / "node_modules" / "@fontsource-variable" / "inter" / "files"),
    ("vendor/jetbrains-mono", BASE_DIR / "node_modules" / "@fontsource-variable" / "jetbrains-mono" / "files"),
]
# The bar store; tradedesk/marketdata/bar_folder.py opens it.
BARS_URL = read_folder_url(env, "BARS_URL", default=DATA_DIR / "bars")
# The result files of optimizer runs: every parameter combination with its figures.
RESEARCH_URL = read_folder_url(env, "RESEARCH_URL", default=DATA_DIR / "research")
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "research": folder_storage(RESEARCH_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# tradedesk/request_limits.py refuses larger bodies before they are read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Backups ---------------------------------------------------------------------------------------------

# Where they go. Not created here: a disk that is not mounted must not keep the desk from starting.
BACKUP_DIR = Path(read_text(env, "BACKUP_DIR", default=str(DATA_DIR / "backups"))).expanduser().resolve()
# The time of the day (UTC) of the nightly backup; None: the desk makes none.
BACKUP_TIME = read_time(env, "BACKUP_TIME", default="06:00")
BACKUP_KEEP = read_count(env, "BACKUP_KEEP", default=7)

# --- Security --------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)  # the proxy's header then has the address for the login limit
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# The health check of the container and Prometheus use plain http.
SECURE_REDIRECT_EXEMPT = [r"^api/health$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# Other names of the domain may have sites without https: only the owner of the domain can say that they have none.
SECURE_HSTS_INCLUDE_SUBDOMAINS = read_flag(env, "HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = read_flag(env, "HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "tradedesk.views.csrf_failure"
# The API, which needs a bearer token from other origins, answers these alone; pages answer none.
CORS_ALLOWED_ORIGINS = read_origins(env, "CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_CREDENTIALS = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# --- Logs and metrics ------------------------------------------------------------------------------------

LOG_LEVEL = read_choice(env, "LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="WARNING")
LOG_FORMAT = read_choice(env, "LOG_FORMAT", ("auto", "json", "readable"), default="auto")
# Also into DESK_DATA_DIR/logs/desk.log; with it every order, fill and refusal, whatever LOG_LEVEL is.
LOG_FILE = read_flag(env, "LOG_FILE", default=True)
LOG_FILE_MEGABYTES = read_count(env, "LOG_FILE_MEGABYTES", default=20)
LOG_FILES_KEPT = read_count(env, "LOG_FILES_KEPT", default=5)
SENTRY_DSN = read_text(env, "SENTRY_DSN", default="")
# For Prometheus at /metrics: addresses or networks that may read them without the token, which others send.
METRICS_ALLOW = read_networks(env, "METRICS_ALLOW", default=("127.0.0.1", "::1"))
METRICS_TOKEN = read_text(env, "METRICS_TOKEN", default="")
scrub = scrubber(
    [
        SECRET_KEY,
        *ENCRYPTION_KEYS,
        str(DATABASES["default"].get("PASSWORD") or ""),
        urlsplit(REDIS_URL).password or "",
        os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        os.environ.get("DEMO_PASSWORD", ""),
        SENTRY_DSN,
        METRICS_TOKEN,
        ALPACA_DATA_SECRET,
    ]
)
configure_structlog()
LOGGING = logging_settings(
    level=LOG_LEVEL,
    readable=LOG_FORMAT == "readable" or (LOG_FORMAT == "auto" and (DEBUG or sys.stderr.isatty())),
    scrub=scrub,
    folder=DATA_DIR / "logs" if LOG_FILE else None,
    most_bytes=LOG_FILE_MEGABYTES * 1_000_000,
    kept=LOG_FILES_KEPT,
)
if SENTRY_DSN:
    start_sentry(SENTRY_DSN, release=VERSION, environment=MARKET, scrub=scrub)
