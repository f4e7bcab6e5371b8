"""What the house does: handle what is asked, watch the SLIs, reconcile what is owed; all of it through ports."""
