"""Alert rules: of every threshold of the board, for Prometheus' own program and for Grafana's provisioning."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tools.servers import missing, program_path
from trunkline.cli.main import build
from trunkline.serve.grafana.alerts import DATA_SOURCE, alert_rules, grafana_rules, prometheus_rules
from trunkline.serve.wallboard.options import BoardOptions, Thresholds, save_options

OPTIONS = BoardOptions(
    queue_thresholds={
        "q-vip": Thresholds(waiting_watch=1, waiting_alarm=2),
        'Late "night" (old)': Thresholds(waiting_watch=None, waiting_alarm=50, wait_s_watch=None, wait_s_alarm=None),
    },
    hidden_queues=("Test",),
    quiet_minutes=7,
    lag_s_max=45,
)
PROMTOOL = program_path("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason=missing("promtool"))


def promtool(*arguments: str, folder: Path) -> None:
    done = subprocess.run([str(PROMTOOL), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [BoardOptions(), OPTIONS], ids=["default", "own"])
def test_both_files_have_every_rule(options: BoardOptions) -> None:
    """Rules of Prometheus and of Grafana are the same expressions; uids are unique, and short enough for Grafana."""
    rules = alert_rules(options)
    (group,) = yaml.safe_load(prometheus_rules(options))["groups"]
    assert [rule["expr"] for rule in group["rules"]] == [rule.expr for rule in rules]
    document = yaml.safe_load(grafana_rules(options))
    (group,) = document["groups"]
    assert [rule["data"][0]["model"]["expr"] for rule in group["rules"]] == [rule.expr for rule in rules]
    uids = [rule["uid"] for rule in group["rules"]]
    assert len(set(uids)) == len(rules)
    assert all(len(uid) <= 40 for uid in uids)
    for rule in group["rules"]:
        assert rule["condition"] == rule["data"][1]["refId"]
        assert rule["data"][0]["datasourceUid"] == DATA_SOURCE
        assert rule["labels"]["severity"] in ("watch", "alarm")


def test_a_threshold_that_is_never_has_no_rule() -> None:
    """None is never; a queue that is not shown has no rule; the default is for the others alone."""
    names = [(rule.name, rule.severity) for rule in alert_rules(OPTIONS)]
    late = [pair for pair in names if "Late" in pair[0]]
    assert late == [
        ('QueueWaiting Late "night" (old)', "alarm"),
        ('QueueServiceLevel Late "night" (old)', "alarm"),
        ('QueueServiceLevel Late "night" (old)', "watch"),
    ]
    assert not any("Test" in name for name, _ in names)
    assert not alert_rules(BoardOptions(thresholds=NEVER))[0].name.startswith("Queue")


NEVER = Thresholds(
    waiting_watch=None, waiting_alarm=None, wait_s_watch=None, wait_s_alarm=None, service_level_watch=None,
    service_level_alarm=None,
)  # fmt: skip


@needs_promtool
@pytest.mark.parametrize("options", [BoardOptions(), OPTIONS], ids=["default", "own"])
def test_prometheus_takes_the_rules(options: BoardOptions, tmp_path: Path) -> None:
    """`promtool check rules` finds no fault."""
    (tmp_path / "rules.yml").write_text(prometheus_rules(options))
    promtool("check", "rules", "rules.yml", folder=tmp_path)


QUEUE = 'instance="i", queue="{}", channel="VOICE"'


def fired(rule_name: str, severity: str, queues: dict[str, dict[str, float]], folder: Path) -> None:
    """Check with promtool that the rule of all queues fires for those whose `fires` is set, and for no other."""
    (folder / "rules.yml").write_text(prometheus_rules(BoardOptions()))
    series = [
        {"series": f"trunkline_queue_{name}{{{QUEUE.format(queue)}}}", "values": f"{value}x20"}
        for queue, values in queues.items()
        for name, value in values.items()
        if name != "fires"
    ]
    (rule,) = (rule for rule in alert_rules(BoardOptions()) if (rule.name, rule.severity) == (rule_name, severity))
    count = f'count(ALERTS{{alertname="{rule_name}", severity="{severity}", alertstate="firing"}}) by (queue)'
    samples = [
        {"labels": f'{{queue="{queue}"}}', "value": 1} for queue, values in queues.items() if values.get("fires")
    ]
    case = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{"expr": count, "eval_time": "10m", "exp_samples": samples}],
    }
    assert rule.for_s <= 300
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}
    (folder / "tests.yml").write_text(json.dumps(document))
    promtool("test", "rules", "tests.yml", folder=folder)


@needs_promtool
def test_a_closed_queue_fires_nothing(tmp_path: Path) -> None:
    """At night and on holidays: as many waiting, as long a wait and as low a level as in the day."""
    numbers = {"waiting": 9, "breaching": 9, "target_s": 20, "longest_open_wait_s": 999}
    numbers |= {"today_service_level": 1, "today_contacts_queued": 99}
    queues = {"q-open": {**numbers, "is_open": 1, "fires": 1}, "q-closed": {**numbers, "is_open": 0}}
    for name in ("QueueWaiting", "QueueLongestWait", "QueueServiceLevel"):
        fired(name, "alarm", queues, tmp_path)


@needs_promtool
def test_a_wait_is_judged_by_the_target(tmp_path: Path) -> None:
    """An e-mail with four hours to answer is no alarm after three minutes; late ones are counted."""
    hour = 3600.0
    fired(
        "QueueLongestWait",
        "alarm",
        {
            "call": {"longest_open_wait_s": 180, "target_s": 20, "is_open": 1, "fires": 1},
            "call-early": {"longest_open_wait_s": 179, "target_s": 20, "is_open": 1},
            "mail": {"longest_open_wait_s": 8 * hour, "target_s": 4 * hour, "is_open": 1, "fires": 1},
            "mail-early": {"longest_open_wait_s": 8 * hour - 1, "target_s": 4 * hour, "is_open": 1},
        },
        tmp_path,
    )
    fired(
        "QueueLongestWait",
        "watch",
        {
            "mail": {"longest_open_wait_s": 4 * hour, "target_s": 4 * hour, "is_open": 1, "fires": 1},
            "mail-alarm": {"longest_open_wait_s": 8 * hour, "target_s": 4 * hour, "is_open": 1},
            "mail-early": {"longest_open_wait_s": hour, "target_s": 4 * hour, "is_open": 1},
        },
        tmp_path,
    )
    fired(
        "QueueWaiting",
        "alarm",
        {
            "call": {"waiting": 8, "breaching": 0, "target_s": 20, "is_open": 1, "fires": 1},
            "mail": {"waiting": 80, "breaching": 7, "target_s": 4 * hour, "is_open": 1},
            "mail-late": {"waiting": 80, "breaching": 8, "target_s": 4 * hour, "is_open": 1, "fires": 1},
        },
        tmp_path,
    )


@needs_promtool
def test_prometheus_fires_what_the_board_would(tmp_path: Path) -> None:
    """Of queues with default, own and no thresholds, the ones beyond theirs fire, as watch or as alarm; and freshness."""
    (tmp_path / "rules.yml").write_text(prometheus_rules(OPTIONS))
    waiting = {"q-1": 2, "q-2": 3, "q-3": 8, "q-vip": 1, "q-late": 49, "q-late-2": 50, "q-test": 99}
    names = {"q-late": 'Late "night" (old)', "q-late-2": 'Late "night" (old)', "q-test": "Test", "q-1": "Sales"}
    series = [(f"trunkline_queue_waiting{{{QUEUE.format(queue)}}}", number) for queue, number in waiting.items()]
    series += [
        (f"trunkline_queue_info{{queue={json.dumps(queue)}, name={json.dumps(name)}}}", 1)
        for queue, name in names.items()
    ]
    series += [
        (f"trunkline_queue_today_service_level{{{QUEUE.format('q-1')}}}", 59),
        (f"trunkline_queue_today_contacts_queued{{{QUEUE.format('q-1')}}}", 10),
        (f"trunkline_queue_today_service_level{{{QUEUE.format('q-2')}}}", 59),
        (f"trunkline_queue_today_contacts_queued{{{QUEUE.format('q-2')}}}", 9),
        ('trunkline_board_lag_seconds{stream="s"}', 45),
        ("trunkline_board_open_age_seconds", 420),
        *((f"trunkline_queue_is_open{{{QUEUE.format(queue)}}}", 1) for queue in waiting),
        *((f"trunkline_queue_target_s{{{QUEUE.format(queue)}}}", 20) for queue in waiting),
        ("trunkline_board_events_total", 5),
    ]
    fires = {
        "QueueWaiting": [("q-2", "watch"), ("q-3", "alarm")],
        "QueueWaiting q-vip": [("q-vip", "watch")],
        'QueueWaiting Late "night" (old)': [("q-late-2", "alarm")],
        "QueueServiceLevel": [("q-1", "alarm")],
        "StreamLag": [("", "alarm")],
        "NoEvents": [("", "alarm")],
        "BoardDown": [],
    }
    rules = {(rule.name, rule.severity): rule for rule in alert_rules(OPTIONS)}
    values = {"QueueServiceLevel": 59.0, "StreamLag": 45, "NoEvents": 420}
    tests = []
    for name, alerts in fires.items():
        expected = []
        for queue, severity in alerts:
            rule, value = rules[name, severity], values.get(name, waiting.get(queue))
            labels = {"severity": severity}
            if queue:
                labels |= {"instance": "i", "queue": queue, "channel": "VOICE"}
            if name == "StreamLag":
                labels["stream"] = "s"
            texts = {
                key: text.replace("{{ $labels.queue }}", queue).replace("{{ $labels.channel }}", "VOICE")
                .replace("{{ $labels.stream }}", "s").replace('{{ $value | printf "%.0f" }}', f"{value:.0f}")
                .replace('{{ $value | printf "%.1f" }}', f"{value:.1f}")
                for key, text in (("summary", rule.summary), ("description", rule.description))
            }  # fmt: skip
            expected.append({"exp_labels": labels, "exp_annotations": texts})
        tests.append({"eval_time": "10m", "alertname": name, "exp_alerts": expected})
    input_series = [{"series": text, "values": f"{value}x20"} for text, value in series]
    case = {"interval": "1m", "input_series": input_series, "alert_rule_test": tests}
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "tests.yml").write_text(json.dumps(document))
    promtool("test", "rules", "tests.yml", folder=tmp_path)


def test_the_command_prints_the_rules_of_the_home(tmp_path: Path) -> None:
    """`alert-rules` reads the thresholds that the board's page has saved."""
    save_options(tmp_path / "wallboard.json", OPTIONS)
    for system, expected in (("prometheus", prometheus_rules(OPTIONS)), ("grafana", grafana_rules(OPTIONS))):
        result = CliRunner().invoke(build(), ["alert-rules", "--for", system, "--home", str(tmp_path)])
        assert result.exit_code == 0, result.output
        assert result.stdout == expected
