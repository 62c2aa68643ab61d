"""Unbound singletons of the doors; `create_app` binds them. The database's own stands in `db.py`, beside its base
class, that of the languages in `web/i18n.py`: those two are needed without doors as well.
"""

from __future__ import annotations

from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect

login_manager = LoginManager()
csrf = CSRFProtect()
