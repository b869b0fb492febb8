"""IntentClassifier: what a person writes they feel, as the emotion embedding and the words of the song form."""
