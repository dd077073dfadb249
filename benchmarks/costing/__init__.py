"""What a month costs: what was counted, times AWS's list prices."""
