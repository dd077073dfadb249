"""What a person does with what software must not decide: held invitations, dead letters, pauses, a restored ledger."""
