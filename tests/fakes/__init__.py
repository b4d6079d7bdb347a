"""Hand-written fakes of the services Patchbay talks to. Each speaks the real wire protocol."""
