"""The account's plan: on the free one there are credits, an end, and few instance types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal


@dataclass
class Plan:
    """The free plan of accounts made since 15 July 2025: up to $200, for 6 months."""

    type: Literal["FREE", "PAID"] = "PAID"
    status: Literal["NOT_STARTED", "ACTIVE", "EXPIRED"] = "ACTIVE"
    credits: Decimal = Decimal(0)
    expires: datetime = datetime(2027, 5, 1, tzinfo=UTC)

    def as_answer(self, account: str) -> dict[str, Any]:
        """Of freetier's GetAccountPlanState."""
        answer: dict[str, Any] = {
            "accountId": account,
            "accountPlanType": self.type,
            "accountPlanStatus": self.status,
        }
        if self.type == "FREE":
            answer["accountPlanRemainingCredits"] = {"amount": float(self.credits), "unit": "USD"}
            answer["accountPlanExpirationDate"] = self.expires.timestamp()
        return answer
