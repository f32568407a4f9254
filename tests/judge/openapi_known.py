"""What generated requests can't hit, since each rests on the one before it: asked by hand in a collaboration of both tenants, so that each is seen to
succeed. And what is not, by reason. Must not know: what generated requests found."""

import receipts

# Of each operation that no tenant here is answered with success: why, and who asks it.
NOT_SEEN_WELL = {
    "cancel": "a run here has ended before anybody cancels it: tests/it/remote",
    "configuration": "the operator's, who is no tenant: tests/it/operations.rs",
    "export": "no agreement here has a room of which there is an export: src/http/tests/reading/versions.rs",
    "health-detail": "the operator's, who is no tenant: tests/it/operations.rs",
    "look": "no worker here keeps the room: src/http/tests/reading.rs",
    "reoffer": "nobody's account takes anything away: tests/it/remote, scenes.py",
    "revocation": "no platform here was given anything that would have to be closed: browser.py",
    "take-back": "no tenant here has four eyes: src/http/tests/seconds.rs",
    "test-connections": "nobody here has a connection to the platform: src/http/tests/reading.rs",
    "token": "whoever asks signs for it: tokens.py",
    "waive": "no room holds these agreements more loosely: tests/it/remote",
}
YEARLY, DAY_MS = "0 6 1 1 *", 24 * 3_600_000


class Known:
    """One collaboration of both tenants, and what was answered in it."""

    def __init__(self, gateway, filled):
        self.gateway, self.filled, self.name, self.well = gateway, filled, f"{filled.alfa}-known", set()
        self.at = f"/v1/collaborations/{self.name}"

    def asked(self, operation, method, path, member, body=None):
        """What an operation answers, which has to be success, with a receipt that holds where it is a decision."""
        token = self.filled.tokens[member]
        place = f"{self.at}/{path}"
        told = self.gateway.ask("GET", place, token) if method == "GET" else self.gateway.change(place, token, body)
        wrong = receipts.judged(told.status, told.body, self.filled.key)
        if told.status not in (200, 201, 202) or wrong:
            raise AssertionError(f"{operation}: {wrong or told}")
        self.well.add(operation)
        return told.json()

    def ask(self, now_ms):
        """Each after what it rests on; the operations that succeeded."""
        alfa, bravo = self.filled.alfa, self.filled.bravo
        digest = self.filled.agree(self.filled.document(self.name, [alfa, bravo]), [alfa, bravo])
        self.asked("agreement-diff", "GET", f"agreements/{digest}/diff?from={digest}", alfa)
        template = next(one for one in self.asked("templates", "GET", "templates", alfa)["templates"] if alfa in one["run_by"])
        self.asked("template-versions", "GET", f"templates/{template['template']}/versions", alfa)
        self.asked("waivers", "GET", "waivers", alfa)
        version = {"template": template["template"], "digest": template["digest"]}
        self.asked("add-schedule", "POST", "schedules", alfa, version | {"schedule": "yearly", "cron": YEARLY})
        self.asked("schedule", "GET", "schedules/yearly", alfa)
        self.asked("remove-schedule", "POST", "schedules/yearly/removals", alfa)
        # It asks for a run and waits for its end.
        self.filled.ran(alfa, self.name)
        self.well.add("request-run")
        run = self.asked("runs", "GET", "runs", alfa)["runs"][0]["run"]
        recipient = {"recipient": "agency", "until_ms": now_ms + DAY_MS}
        self.asked("share", "POST", "shares", alfa, recipient | {"run": run})
        self.asked("rotate-share-token", "POST", "shares/tokens", alfa, recipient)
        self.asked("end-share", "POST", "shares/revocations", alfa, {"recipient": "agency"})
        self.asked("plan", "POST", "rooms/native/plans", alfa)
        return self.well


def unseen(operations, well):
    """What was never seen to succeed and is not listed; and what is listed though it succeeded, or is no operation."""
    missing = [f"{name} was never answered with success, and no reason is listed" for name in sorted(operations - well - set(NOT_SEEN_WELL))]
    spare = [f"{name} is listed as never answered with success, and {'was' if name in well else 'is no operation'}" for name in sorted(set(NOT_SEEN_WELL) - (operations - well))]
    return missing + spare
