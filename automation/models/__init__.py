"""The tables of automation, by noun."""

from automation.models.rules import FollowUp, LineGuard, Rule, RuleFire, Swept

__all__ = ["FollowUp", "LineGuard", "Rule", "RuleFire", "Swept"]
