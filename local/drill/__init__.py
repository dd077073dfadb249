"""The fire drill: each fault in turn, the alarm that it sets off, and the commands that end it."""
