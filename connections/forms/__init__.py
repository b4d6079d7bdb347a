"""The connection form, made from the type's declaration.

A stored secret is never sent to the browser, nor is one that was just typed or
pasted: its field is empty, blank means unchanged, and clearing is a box of its
own. What isn't touched stays exactly as it is stored.
"""

from connections.forms.connection import ConnectionForm
from connections.forms.stored import Row

__all__ = ["ConnectionForm", "Row"]
