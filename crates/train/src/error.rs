//! Why training cannot start or go on.

/// Why training cannot start or go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A value that a key cannot have.
    #[error("{key} = {value}: {rule}")]
    Value {
        /// The key in the recipe.
        key: &'static str,
        /// The value there.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// There is nothing to learn from.
    #[error("no training examples: training needs at least one")]
    NoExamples,
    /// More processes than shards.
    #[error(
        "train.shards = {shards}: {size} processes train together, and each needs a shard: set it to {size} or a multiple"
    )]
    TooFewShards {
        /// The number in the recipe.
        shards: usize,
        /// How many processes there are.
        size: usize,
    },
    /// A setting that follows the validation loss, without validation examples.
    #[error(
        "{key}: needs validation examples, and there are none: carve some off the training examples, or leave it out"
    )]
    NoValidation {
        /// The key.
        key: &'static str,
    },
    /// Not one weight a class.
    #[error("train.class_weights: {got} weights for {classes} classes: give one for each")]
    ClassWeights {
        /// How many were given.
        got: usize,
        /// How many there must be.
        classes: usize,
    },
    /// A class without training examples cannot be balanced.
    #[error(
        "train.class_weights = \"balanced\": class {class} has no training example: leave the class out, or give weights"
    )]
    UnbalancedClass {
        /// Which, from 0.
        class: usize,
    },
    /// The source of frames has none for a training example, or others than the model reads.
    #[error("training example {index}: {reason}")]
    Example {
        /// Which, from 0.
        index: usize,
        /// What the source says, or what is wrong with its frames.
        reason: String,
    },
    /// An example has no frame.
    #[error("example {index} has no frame: leave it out")]
    NoFrames {
        /// Which, from 0.
        index: usize,
    },
    /// An example is longer than the model can take.
    #[error("example {index} has {frames} frames, and the model takes at most {most}: cut it into parts")]
    TooLong {
        /// Which, from 0.
        index: usize,
        /// T of its features.
        frames: usize,
        /// The most frames of a sequence.
        most: usize,
    },
    /// An example has not one label a frame.
    #[error("example {index} has {frames} frames and {labels} labels: give one label a frame")]
    FrameLabels {
        /// Which, from 0.
        index: usize,
        /// Its frames.
        frames: usize,
        /// Its labels.
        labels: usize,
    },
    /// The model decides for frames and the labels are of whole examples, or the other way round.
    #[error(
        "{}",
        if *of_frames {
            "the data has a label a frame and the model decides for whole recordings: use a head per_frame"
        } else {
            "the data has one label a recording and the model decides for every frame: use another head than per_frame"
        }
    )]
    Labels {
        /// Whether the labels are of frames.
        of_frames: bool,
    },
    /// Segments for a model that reads a fixed number of frames.
    #[error(
        "train.segment_frames = {segment}: the model reads exactly {fixed} frames: leave it out, or leave out what fixes \
         the length"
    )]
    Segments {
        /// Frames of a segment.
        segment: usize,
        /// Frames that the model reads.
        fixed: usize,
    },
    /// The parameters to start from are not the model's.
    #[error("{got} parameters to start from, and the model has {expected}: give those of the same model")]
    Start {
        /// How many were given.
        got: usize,
        /// How many the model has.
        expected: usize,
    },
    /// A checkpoint is of another model or optimiser.
    #[error(
        "the checkpoint holds {got} numbers of {name}, and this training has {expected}: it is of another one"
    )]
    Checkpoint {
        /// The buffer.
        name: &'static str,
        /// How many numbers the checkpoint has.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// The loss, the gradient or a parameter is not finite.
    #[error(
        "training diverged at step {step}: {what}; the largest gradients are {largest}. Lower train.learning_rate or set train.clip_norm"
    )]
    Diverged {
        /// The step.
        step: usize,
        /// What is not finite: the loss, the norm of the gradient, or a parameter.
        what: String,
        /// Names and norms of the largest gradients.
        largest: String,
    },
    /// The model cannot be built.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
}
