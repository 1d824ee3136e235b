//! Train, evaluate, compare and deploy small sequence classifiers for speech: the library's front door and the command line.
