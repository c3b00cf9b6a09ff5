"""Slugs that no tenant may have: users could mistake them for the installation, or it may need them for itself."""

RESERVED_SLUGS = frozenset(
    {
        "about", "account", "accounts", "admin", "administrator", "api", "api-keys", "app", "assets", "audit",
        "auth", "badge", "badges", "billing", "blog", "cdn", "checks", "console", "dashboard", "dev", "docs",
        "envoy", "example", "ftp", "grpc", "health", "healthz", "heartbeat", "help", "host", "imap", "incident",
        "incidents", "internal", "invitations", "invite", "legal", "localhost", "login", "logout", "mail",
        "maintenance", "maintenance-windows", "master", "me", "metrics", "monitor", "monitoring", "mx", "new",
        "news", "none", "ns", "ns1", "ns2", "null", "official", "ops", "overview", "page", "pages", "pop",
        "postmaster", "privacy", "public", "readyz", "register", "results", "root", "security", "sentinel",
        "sentinel-stack", "services", "settings", "signin", "signup", "smtp", "sso", "staff", "static", "stats",
        "status", "support", "system", "team", "tenant", "tenants", "terms", "test", "tests", "undefined",
        "users", "v1", "v2", "webhook", "webhooks", "webmail", "webmaster", "well-known", "worker", "workers",
        "www", "www1", "www2",
    }
)  # fmt: skip
