"""Django's settings. Those that differ between installations come from the environment (configuration.py)."""

from pathlib import Path
from typing import Any

from django.utils.csp import CSP

from portico import configuration
from portico.web.template_engine.missing_names import MissingName

HERE = Path(__file__).parent
CONFIGURATION = configuration.read()

DEBUG = False
DEMO = CONFIGURATION.demo
DEMO_GUIDE = CONFIGURATION.demo_guide
SECRET_KEY = CONFIGURATION.secret_key
SECRET_KEY_FALLBACKS = CONFIGURATION.secret_key_fallbacks
FIELD_KEYS = CONFIGURATION.field_keys
PUBLIC_BASE_URL = CONFIGURATION.public_base_url
ALLOWED_HOSTS = CONFIGURATION.allowed_hosts
TRUSTED_PROXY_COUNT = CONFIGURATION.trusted_proxy_count
EMAIL_URL = CONFIGURATION.email_url
EMAIL_FROM = CONFIGURATION.email_from
DKIM_SELECTORS = CONFIGURATION.dkim_selectors
AUTHSERV_IDS = CONFIGURATION.authserv_ids
DNS_SERVER = CONFIGURATION.dns_server
EMAIL_RETURN_PATH = CONFIGURATION.email_return_path or EMAIL_FROM
REPORT_MAILBOX_URL = CONFIGURATION.report_mailbox_url
CLAMD_URL = CONFIGURATION.clamd_url
REPORTS_ARE_COLLECTED = CONFIGURATION.collects_reports
EMAIL_PER_SECOND = CONFIGURATION.email_per_second
EMAIL_HOOK_SECRET = CONFIGURATION.email_hook_secret
STRIPE_API_BASE = CONFIGURATION.stripe_api_base

# Seconds.
SIGNIN_LINK_TTL = CONFIGURATION.seconds["SIGNIN_LINK_TTL"]
PIN_TTL = CONFIGURATION.seconds["PIN_TTL"]
SESSION_IDLE_CLIENT = CONFIGURATION.seconds["SESSION_IDLE_CLIENT"]
SESSION_IDLE_STAFF = CONFIGURATION.seconds["SESSION_IDLE_STAFF"]
SESSION_MAX_CLIENT = CONFIGURATION.seconds["SESSION_MAX_CLIENT"]
SESSION_MAX_STAFF = CONFIGURATION.seconds["SESSION_MAX_STAFF"]
EMAIL_BODY_TTL = CONFIGURATION.seconds["EMAIL_BODY_TTL"]

DATABASES = {"default": CONFIGURATION.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portico.plumbing",
    "portico.domain.practices",
    "portico.domain.clients",
    "portico.domain.access",
    "portico.domain.billing",
    "portico.domain.documents",
    "portico.domain.maintenance",
    "portico.web",
    "portico.operating",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "portico.web.middleware.request_ids.RequestIds",
    "portico.web.middleware.security_headers.SecurityHeaders",
    "portico.web.middleware.request_locale.RequestLocale",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portico.web.middleware.readable_requests.ReadableHeaders",
    "portico.web.middleware.request_size.RequestLimits",
    "portico.web.middleware.readable_requests.ReadableBodies",
    "portico.web.middleware.allowed_methods.AllowedMethods",
    "portico.web.middleware.host_check.HostCheck",
    "portico.web.middleware.tidy_urls.TidyAddresses",
    "portico.domain.practices.staff.staff_sessions.StaffSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portico.domain.practices.staff.allauth_backend.StaffAuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portico.web.error_pages.RefusalMiddleware",
]

ROOT_URLCONF = "portico.urls"
WSGI_APPLICATION = "portico.wsgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [  # Any: as Django has them.
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "environment": "portico.web.template_engine.environment.environment",
            "undefined": MissingName,
            "context_processors": [
                "portico.web.context_processors.office_messages",
                "portico.web.office.menu_counts.in_menu",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.Jinja2"

# Staff sign in with django-allauth; its rate limits are off, since ours count the attempts.
AUTH_USER_MODEL = "practices.StaffMember"
AUTHENTICATION_BACKENDS = ["portico.domain.practices.staff.allauth_backend.StaffBackend"]
ACCOUNT_ADAPTER = "portico.web.office.sign_in.allauth_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/office/sign-in/"
MFA_ADAPTER = "portico.domain.practices.staff.allauth_backend.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RATE_LIMITS = False
MFA_RECOVERY_CODE_COUNT = 8
MFA_RECOVERY_CODE_DIGITS = 10
# The office requires a second factor, except in the demo, which has only invented people.
SECOND_FACTOR_REQUIRED = not DEMO
LOGIN_URL = "/office/sign-in/"
LOGIN_REDIRECT_URL = "/office/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Cookies. `__Host-` binds a cookie to this host over https; a plain http base is allowed only on this machine.
HTTPS = CONFIGURATION.is_https
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_ENGINE = "portico.domain.practices.staff.staff_sessions"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}portico-staff"
SESSION_COOKIE_AGE = SESSION_MAX_STAFF
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CLIENT_COOKIE_NAME = f"{COOKIE_PREFIX}portico-client"
# Sent to one practice's portal only; `__Host-` would require the path "/".
VIEW_COOKIE_NAME = f"{'__Secure-' if HTTPS else ''}portico-view"
LINK_COOKIE_NAME = f"{COOKIE_PREFIX}portico-link"
ADDRESS_COOKIE_NAME = f"{COOKIE_PREFIX}portico-new-email"
# Identifies the browser that requested a sign-in link: the codes are valid only there.
ASKING_COOKIE_NAME = f"{COOKIE_PREFIX}portico-asking"
# Identifies the request that created a PIN, for the page that shows it once.
PIN_COOKIE_NAME = f"{COOKIE_PREFIX}portico-pin"
# Recognizes the browser at the next sign-in; grants no access.
BROWSER_COOKIE_NAME = f"{COOKIE_PREFIX}portico-browser"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}portico-language"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}portico-csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "portico.web.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Headers.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT and HTTPS else None
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # X-Frame-Options is sent by web.middleware.security_headers, on every response.
    "security.W008",  # The proxy redirects to https.
    "security.W021",  # HSTS preloading is the domain owner's decision.
]
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_HANDLERS = ["portico.web.http.upload_handler.SpoolingUploadHandler"]

# Languages and time. Times are stored in UTC; each page activates the practice's time zone.
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [HERE / "locale"]

# Static files: hashed names, compressed once by `collectstatic`.
STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "static"]
STATIC_ROOT = HERE.parent / "build" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_MANIFEST_STRICT = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "portico.plumbing.logs.JsonFormatter"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {
        "django.server": {"level": "WARNING"},
        # The SDK would write two lines for each call to Stripe.
        "stripe": {"level": "WARNING"},
        # It would write a line for each of its detectors, also if one fails.
        "flufl.bounce": {"level": "CRITICAL"},
    },
}
LOGGING_CONFIG = "logging.config.dictConfig"
