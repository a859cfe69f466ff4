"""What is known of event types: versions, shapes, the status of an event, chains of upcasters, inference, drift.

Nothing here runs code of the user: Python upcasters are called through a runner that the caller gives.
"""
