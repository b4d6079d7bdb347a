"""How static files are named in production."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_, _IMPORTS = HashedFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Every file has the hash of its content in its name, also where a script imports another.

    Otherwise a browser could mix scripts of two releases. Django's own switch
    for this looks into all scripts, and stumbles over those of htmx, which
    import by bare names; only ours are looked into here.
    """

    patterns = (*HashedFilesMixin.patterns, ("js/*.js", _IMPORTS))
