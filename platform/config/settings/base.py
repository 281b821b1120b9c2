"""What every installation shares. `local` is the default, `test` the suite's, `production` a real one's."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static
from embedded import addresses
from kit import money
from kit.outside import listed

from config.settings.work import CELERY_BEAT_SCHEDULE, CELERY_TASK_ROUTES, WORK  # noqa: F401

BASE_DIR = Path(__file__).resolve().parents[3]
DATA_DIR = addresses.data_dir()

DEBUG = False
ALLOWED_HOSTS: list[str] = []


def _social(name: str) -> dict[str, str]:
    """The client of a provider of logins, where both parts are given."""
    parts = {part: os.environ.get(f"SOCIAL_{name}_{part}".upper(), "") for part in ("client_id", "secret")}
    return parts if all(parts.values()) else {}


# Logins elsewhere, each shown only when configured.
SOCIAL = {name: client for name in ("google", "microsoft", "github", "openid_connect") if (client := _social(name))}
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, list[dict[str, object]]]] = {
    name: {"APPS": [{**client}]} for name, client in SOCIAL.items()
}
if "openid_connect" in SOCIAL:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0] |= {
        "provider_id": "sso",
        "name": os.environ.get("SOCIAL_OPENID_CONNECT_NAME", "Single sign-on"),
        "settings": {"server_url": os.environ.get("SOCIAL_OPENID_CONNECT_URL", "")},
    }

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "config.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    *(f"allauth.socialaccount.providers.{name}" for name in SOCIAL),
    "django_htmx",
    "csp",
    "accounts",
    "billing",
    "lines",
    "automation",
    "subaccounts",
    "console",
]

MIDDLEWARE = [
    "console.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "api.entrance.ApiMiddleware",
    "kit.headers.KeepNothingMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "kit.uploads.UploadSizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.branding.requests.BrandHostMiddleware",
    "accounts.login.sessions.SessionEndsMiddleware",
    "accounts.middleware.ActingAccountMiddleware",
    "accounts.middleware.PersonMiddleware",
    "console.test_clock.TestClockMiddleware",
    "kit.methods.MethodPageMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "csp.context_processors.nonce",
                "console.navigation.frame",
            ],
        },
    },
]

# A connection serves many requests: making one costs more than most of them, and what it has planned goes with it.
# manage.py sets it for the commands that change tables; everything else is a role that cannot.
AS_OWNER = os.environ.get("LINEKEEPER_AS_OWNER") == "1"
DATABASES = {
    "default": addresses.database_settings(as_owner=AS_OWNER) | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Limits of logins are counted here, a few rows a minute: the console needs no Redis.
CACHES = {
    "default": {
        "BACKEND": "kit.caching.JsonDatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
REDIS_URL = addresses.redis_url()

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.login.passwords.EasyToGuess"},
    {"NAME": "accounts.login.passwords.Breached"},
]
# A list of all breached passwords that is asked by the first five characters of a SHA-1, such as
# https://api.pwnedpasswords.com/range. Without it the list that we bring is all.
BREACHED_PASSWORDS_URL = os.environ.get("BREACHED_PASSWORDS_URL", "")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "accounts.login.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm", "reset_password": "accounts.forms.ResetPasswordForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # what was done to a login is mailed to its person
# Passwords: accounts.commands.logins counts. These are tries at codes, by who gave the right password.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/300s/key"}
ACCOUNT_CHANGE_EMAIL = True  # a new address counts once it is confirmed; until then the old one does
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # for another mail address, and for logins elsewhere: both open the console

SOCIALACCOUNT_ADAPTER = "accounts.login.social.SocialAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form may not lead to another host (form-action)
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10

MFA_ADAPTER = "accounts.login.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 0  # a code opens within its own 30 seconds, and once
RECOVERY_CODE_ROUNDS = 600_000  # of PBKDF2-SHA256

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en-gb", "English (United Kingdom): 5 Nov 2026"), ("en-us", "English (United States): Nov 5, 2026")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

UNFOLD = {
    "SITE_TITLE": "Linekeeper back office",
    "SITE_HEADER": "Linekeeper",
    "SITE_SUBHEADER": "Back office",
    "SITE_SYMBOL": "sim_card",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("favicon.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "STYLES": [lambda _request: static("tokens.css"), lambda _request: static("office.css")],
    "COLORS": {
        "primary": {  # the console's accent
            "50": "#f6f5fe",
            "100": "#efedfc",
            "200": "#dcd8f9",
            "300": "#c4bcff",
            "400": "#a99bff",
            "500": "#8577ef",
            "600": "#5b4be0",
            "700": "#4a3cba",
            "800": "#3d3394",
            "900": "#2f2e48",
            "950": "#17152b",
        },
    },
    "DASHBOARD_CALLBACK": "console.desks.overview",
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "console.desks.sidebar"},
}

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # every file once: compressing them is most of a first start
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("png", "jpg", "gif", "webp", "woff", "woff2", "ttf", "gz")

CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 86_400  # accounts.policy.SESSION ends it on our side, an idle one much sooner
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

EMAIL_BACKEND = "kit.posting.Backend"
EMAIL_TIMEOUT = float(os.environ.get("EMAIL_TIMEOUT", "10"))  # seconds for each answer of the mail server
DEFAULT_FROM_EMAIL = os.environ.get("LINEKEEPER_MAIL_FROM", "Linekeeper <no-reply@localhost>")

# Where people open the console, as mails say it: https://console.example.com. Without it mails carry no such links.
CONSOLE_URL = os.environ.get("LINEKEEPER_URL", "").rstrip("/")

# A host for the back office alone, so that no tenant's page is of the same origin. Empty: it is at every own host.
BACK_OFFICE_HOST = os.environ.get("BACK_OFFICE_HOST", "").lower()
OFFICE_URL = f"https://{BACK_OFFICE_HOST}" if BACK_OFFICE_HOST else CONSOLE_URL

# Whether everybody gives a second factor, or only the back office and the people of accounts that ask for it.
SECOND_FACTOR_FOR_ALL = False

# Who outside gets the signed ends of the audit's chains once a day, so that nobody inside can cut one unseen.
AUDIT_ANCHOR_MAIL = os.environ.get("AUDIT_ANCHOR_MAIL", "")
AUDIT_ANCHOR_URL = os.environ.get("AUDIT_ANCHOR_URL", "")  # by POST

# A demo's accounts have public passwords: no installation but the embedded one makes them.
DEMO_IS_ALLOWED = False

# Secrets at rest: the first key encrypts, every key decrypts (comma-separated Fernet keys).
SECRET_KEY = addresses.secret("SECRET_KEY")
# What was signed with these is still believed: put the former key here when SECRET_KEY changes, for as long as sessions
# live.
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key]
ENCRYPTION_KEYS = addresses.secret("ENCRYPTION_KEYS").split(",")
UNBOUND_SECRETS = os.environ.get("UNBOUND_SECRETS", "1") == "1"  # what was written before they were bound to their rows
SECRETS_AT_REST = [
    "accounts.secrets_at_rest.FIELDS",
    "lines.secrets_at_rest.FIELDS",
    "automation.secrets_at_rest.FIELDS",
]

# Card payments. Without a key there are none. The base is Stripe's own unless a stand-in is named.
STRIPE_SECRET_KEY = os.environ.get("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")

# Hosts' clocks may differ: days and money go by the database's. The suite's tests stop the clock themselves.
CLOCK_IS_THE_DATABASE = True

# Credits, debits and refunds by hand over this, by one person in 24 hours, wait for a second one: USD.
CREDIT_LIMIT = Decimal(os.environ.get("BACK_OFFICE_CREDIT_LIMIT", "100"))
# And nobody credits or debits more than this at once, by whatever way.
CREDIT_MOST = Decimal(os.environ.get("BACK_OFFICE_CREDIT_MOST", "100000"))

# Months for which carriers' readings are kept as told, besides the running one; at least three.
READINGS_KEPT_MONTHS = int(os.environ.get("READINGS_KEPT_MONTHS", "13"))
RETENTION = os.environ.get("RETENTION", "")  # months by kind, see kit/retention.py
RETENTION_ARCHIVED = os.environ.get("RETENTION_ARCHIVED", "")
RETENTION_ARCHIVE = os.environ.get("RETENTION_ARCHIVE", "")

# What the image was built from; /version tells it.
REVISION = os.environ.get("LINEKEEPER_REVISION", "")

# Where up to ten SIM cards are bought. Without it there is no store.
STORE_URL = os.environ.get("STORE_URL", "")

# The one currency of this installation, and whose way to write its amounts. Once money has moved it is another no more.
CURRENCY = money.use(os.environ.get("CURRENCY", "USD").upper(), os.environ.get("CURRENCY_LOCALE", "en_US"))

# Who sells, as invoices say it.
SELLER = {
    "name": os.environ.get("SELLER_NAME", "Linekeeper"),
    "address": os.environ.get("SELLER_ADDRESS", "").replace("\\n", "\n"),
    "country": os.environ.get("SELLER_COUNTRY", "").upper(),  # decides whose tax is taken, with the buyer's
    "tax_id": os.environ.get("SELLER_TAX_ID", ""),
    "mail": os.environ.get("SELLER_MAIL", ""),
    "prefix": os.environ.get("INVOICE_PREFIX", "INV-"),
    "credit_prefix": os.environ.get("CREDIT_NOTE_PREFIX", "CN-"),
}

# Who may read /metrics, and what is wrong at /healthz, from another machine: by Authorization: Bearer.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
METRICS_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")  # the web server's processes count together here

# How many proxies in front of us add to X-Forwarded-For: whose addresses bearer keys and login limits go by. Counted
# wrong, all the world is one address: production answers nothing that came over more proxies than are counted.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("LINEKEEPER_PROXIES", "0"))

# Customers' webhooks go to public addresses only, by https, unless this installation's receivers are all its own.
WEBHOOKS_TO_PRIVATE = os.environ.get("WEBHOOKS_TO_PRIVATE", "") == "1"

# And to these ports of them: any port would make this machine a scanner of others' for its customers.
WEBHOOK_PORTS = tuple(int(port) for port in os.environ.get("WEBHOOK_PORTS", "443,8443").split(","))

# And to these hosts of them: *.example.com is each name under it. Empty: every public one.
WEBHOOK_HOSTS = listed(os.environ.get("WEBHOOK_HOSTS", ""))

# Whose APIs are called. Empty: those that carriers have already, and what the operator's own commands name.
CARRIER_HOSTS = listed(os.environ.get("CARRIER_HOSTS", "*"))
ONLY_ENCRYPTED = False  # whether a carrier may be called by plain HTTP

# How often an account may do on a day, for each of its lines, what costs a carrier's calls.
COSTLY_A_LINE_AND_DAY = {
    "sms": int(os.environ.get("SMS_A_LINE_AND_DAY", "20")),
    "activation": int(os.environ.get("ACTIVATIONS_A_LINE_AND_DAY", "10")),
    "setting": int(os.environ.get("SETTINGS_A_LINE_AND_DAY", "20")),
}

# How far the timestamp of a signed API request may be from our time.
API_KEPT_SECONDS = 2.0  # so long a process believes what it knows of who calls, and counts calls by itself
API_WINDOW_SECONDS = int(os.environ.get("API_WINDOW_SECONDS", "300"))

CELERY_BROKER_URL = addresses.broker_url()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "kit.logs.LineFormatter", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "kit.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": os.environ.get("LINEKEEPER_LOG_FORMAT", "line"),
        }
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LINEKEEPER_LOG_LEVEL", "WARNING")},
    "loggers": {
        "fontTools": {"level": "WARNING"},  # twenty lines an invoice
        "httpx": {"level": "WARNING"},  # it writes down each call, with its address
        "linekeeper.logins": {"level": "INFO"},  # right ones too
    },
}
