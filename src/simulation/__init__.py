"""Made-up customers whose truth is known: on them models are tested, and their claims can be tried by anyone."""
