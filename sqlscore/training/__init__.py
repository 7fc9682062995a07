"""Events table -> trained, calibrated, evaluated artifact."""

from sqlscore.training.evaluation import evaluate
from sqlscore.training.fitting import fit
from sqlscore.training.options import Progress, TrainedModel, TrainingOptions

__all__ = ["Progress", "TrainedModel", "TrainingOptions", "evaluate", "fit"]
