"""What a rule may not set on a line yet, because rules changed the line a moment ago, waits as a row."""

from django.db import migrations, models

import automation.policy


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0002_follow_ups_put_back_speeds_and_plans"),
        ("lines", "0020_job_items_know_what_was_before"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="followup",
            name="follow_up_that_puts_a_plan_back_says_which",
        ),
        migrations.AlterField(
            model_name="followup",
            name="act",
            field=models.CharField(
                choices=[
                    ("activate", "activate"),
                    ("deactivate", "deactivate"),
                    ("set", "set"),
                    ("speed", "speed"),
                    ("plan", "plan"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("act", automation.policy.Act["PLAN"]), ("plan__isnull", False)),
                    models.Q(models.Q(("act", automation.policy.Act["PLAN"]), _negated=True), ("plan", None)),
                    ("act", automation.policy.Act["SET"]),
                    _connector="OR",
                ),
                name="follow_up_that_puts_a_plan_back_says_which",
            ),
        ),
    ]
