"""Work that takes its time: trainings, tests of saved runs, studies, one after the other in a queue."""
