"""What a rule set on a line can be put back: the speed or the plan that it had is kept with the follow-up."""

import django.db.models.deletion
from django.db import migrations, models

import automation.policy


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0001_schema"),
        ("lines", "0001_schema"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="rule",
            name="only_what_was_deactivated_is_activated",
        ),
        migrations.AddField(
            model_name="followup",
            name="plan",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="lines.rateplan"
            ),
        ),
        migrations.AddField(
            model_name="followup",
            name="speed",
            field=models.CharField(blank=True, default="", max_length=16),
        ),
        migrations.AlterField(
            model_name="followup",
            name="act",
            field=models.CharField(
                choices=[("activate", "activate"), ("deactivate", "deactivate"), ("speed", "speed"), ("plan", "plan")],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "open"),
                    ("done", "done"),
                    ("by-balance", "by-balance"),
                    ("by-subaccount", "by-subaccount"),
                    ("changed", "changed"),
                    ("held", "held"),
                    ("cancelled", "cancelled"),
                    ("left", "left"),
                    ("refused", "refused"),
                ],
                default=automation.policy.FollowState["OPEN"],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("act", automation.policy.Act["PLAN"]), ("plan__isnull", False)),
                    models.Q(models.Q(("act", automation.policy.Act["PLAN"]), _negated=True), ("plan", None)),
                    _connector="OR",
                ),
                name="follow_up_that_puts_a_plan_back_says_which",
            ),
        ),
        migrations.AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("then", ""), models.Q(("action", automation.policy.Action["TELL"]), _negated=True), _connector="OR"
                ),
                name="only_what_was_changed_is_put_back",
            ),
        ),
    ]
