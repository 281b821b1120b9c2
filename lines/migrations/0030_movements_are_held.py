"""What a boundary leaves open, and movements that are held, with what they need to be charged later."""

import django.db.models.deletion
from django.db import migrations, models

import lines.policy


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_schema"),
        ("lines", "0029_stock_is_claimed"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="boundaryuse",
            name="boundary_use_is_one_row",
        ),
        migrations.RemoveConstraint(
            model_name="heldmovement",
            name="one_movement_is_held_a_cycle",
        ),
        migrations.RemoveIndex(
            model_name="heldmovement",
            name="held_now",
        ),
        migrations.AddField(
            model_name="boundaryuse",
            name="old_price",
            field=models.ForeignKey(
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="lines.price",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="heldmovement",
            name="earlier_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="linestate",
            name="boundary_bytes",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="linestate",
            name="held_bytes",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="heldmovement",
            index=models.Index(
                condition=models.Q(("state", lines.policy.Hold.HELD)), fields=["line", "cycle"], name="held_now"
            ),
        ),
        migrations.AddConstraint(
            model_name="boundaryuse",
            constraint=models.UniqueConstraint(
                fields=("line", "day", "price", "old_price"), name="boundary_use_is_one_row_a_day"
            ),
        ),
    ]
