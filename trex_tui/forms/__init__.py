"""What forms ask and what they make of the answers: pure data. The screen that shows any of them: `screens.form`."""
