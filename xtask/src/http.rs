//! As much of HTTP as it takes to talk to servers on this machine.
