"""What is known of each data set in advance: clips, classes, dates, names. One module a set."""
