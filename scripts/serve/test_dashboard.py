#!/usr/bin/env python3
"""Reads monitoring/dashboard.json with Grafana's own types, which know every field that Grafana does.

    pip install --require-hashes -r scripts/serve/requirements.txt
    python3 scripts/serve/test_dashboard.py
"""

import json
import unittest
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

FILE = Path(__file__).resolve().parents[2] / "monitoring" / "dashboard.json"


def unknown(given, read, path=""):
    """Where Grafana reads something else than is given: what it does not know is dropped."""
    if isinstance(given, dict) and isinstance(read, dict):
        for key, value in given.items():
            yield from unknown(value, read.get(key), f"{path}.{key}")
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for at, (value, other) in enumerate(zip(given, read)):
            yield from unknown(value, other, f"{path}[{at}]")
    elif given != read:
        yield path


def read(dashboard):
    """What Grafana makes of a dashboard."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


class TheDashboard(unittest.TestCase):
    def setUp(self):
        register_default_plugins()
        self.dashboard = json.loads(FILE.read_text())

    def test_grafana_knows_every_field(self):
        self.assertEqual(list(unknown(self.dashboard, read(self.dashboard))), [])

    def test_a_misspelt_field_would_be_found(self):
        first = next(at for at, panel in enumerate(self.dashboard["panels"]) if "targets" in panel)
        panel = self.dashboard["panels"][first]
        panel["targets"][0]["legendFromat"] = panel["options"]["legnd"] = "x"
        panel["fieldConfig"]["defaults"]["unti"] = "s"
        place = f".panels[{first}]"
        self.assertCountEqual(unknown(self.dashboard, read(self.dashboard)), [
            f"{place}.targets[0].legendFromat", f"{place}.options.legnd", f"{place}.fieldConfig.defaults.unti"])


if __name__ == "__main__":
    unittest.main()
