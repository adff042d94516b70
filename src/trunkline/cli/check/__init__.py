"""Commands that prove what is there: reconcile, ledger, dead letters."""
