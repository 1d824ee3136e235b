//! Errors of a training.

/// Error that prevents or ends a training.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A key has an invalid value.
    #[error("{key} = {value}: {rule}")]
    Value {
        /// Key in the recipe.
        key: &'static str,
        /// Its value.
        value: String,
        /// Rule that the value breaks.
        rule: &'static str,
    },
    /// The training set is empty.
    #[error("the training set is empty; give at least one example")]
    NoExamples,
    /// There are more processes than shards.
    #[error(
        "train.shards = {shards}: {processes} processes train together, and each needs a shard; set it to {processes} or a \
         multiple"
    )]
    TooFewShards {
        /// Number of shards in the recipe.
        shards: usize,
        /// Number of processes.
        processes: usize,
    },
    /// A setting depends on the validation loss, but the validation set is empty.
    #[error(
        "{key} needs validation examples, but there are none; hold out some training examples, or remove the key"
    )]
    NoValidation {
        /// Key in the recipe.
        key: &'static str,
    },
    /// The names of `freeze` are wrong.
    #[error("train.freeze: {reason}; its names are tensors or modules of the model: {known}")]
    Freeze {
        /// Fault of the names.
        reason: String,
        /// Modules of the network.
        known: String,
    },
    /// The numbers of class weights and of classes differ.
    #[error("train.class_weights: there are {got} weights for {classes} classes; give one weight per class")]
    ClassWeights {
        /// Number of weights.
        got: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A class without training examples cannot be balanced.
    #[error(
        "train.class_weights = \"balanced\": class {class} has no training example; remove the class, or list the weights"
    )]
    UnbalancedClass {
        /// Index of the class.
        class: usize,
    },
    /// The frame source cannot produce a training example, or produced frames that the model cannot read.
    #[error("training example {index}: {reason}")]
    Example {
        /// Index of the example.
        index: usize,
        /// Error of the source, or the problem with its frames.
        reason: String,
    },
    /// An example has no frames.
    #[error("example {index} has no frames; remove it")]
    NoFrames {
        /// Index of the example.
        index: usize,
    },
    /// An example has more frames than the model can take.
    #[error("example {index} has {frames} frames, but the model takes at most {max_frames}; split it")]
    TooLong {
        /// Index of the example.
        index: usize,
        /// Number of its frames.
        frames: usize,
        /// Maximum number of frames of a sequence.
        max_frames: usize,
    },
    /// The numbers of frames and of frame-level labels of an example differ.
    #[error("example {index} has {frames} frames and {labels} labels; give one label per frame")]
    FrameLabels {
        /// Index of the example.
        index: usize,
        /// Number of its frames.
        frames: usize,
        /// Number of its labels.
        labels: usize,
    },
    /// Only one of the model and the labels is frame-level.
    #[error(
        "{}",
        if *per_frame {
            "the data has one label per frame, but the model predicts one class per recording; use the head per_frame"
        } else {
            "the data has one label per recording, but the model predicts one class per frame; use a head other than \
             per_frame"
        }
    )]
    Labels {
        /// `true` if the labels are per frame.
        per_frame: bool,
    },
    /// The recipe asks for segments, but the model reads a fixed number of frames.
    #[error(
        "train.segment_frames = {segment}: the model reads exactly {fixed} frames; remove segment_frames, or the setting \
         that fixes the length"
    )]
    Segments {
        /// Number of frames per segment.
        segment: usize,
        /// Number of frames that the model reads.
        fixed: usize,
    },
    /// The number of initial parameters is not the model's.
    #[error(
        "there are {got} initial parameters, but the model has {expected}; use the parameters of an identical model"
    )]
    Start {
        /// Number of initial parameters.
        got: usize,
        /// Number of parameters of the model.
        expected: usize,
    },
    /// The checkpoint belongs to another model or optimizer.
    #[error(
        "the checkpoint has {got} values of {name}, but this training has {expected}; use a checkpoint of the same \
         training"
    )]
    Checkpoint {
        /// Name of the buffer.
        name: &'static str,
        /// Number of its values in the checkpoint.
        got: usize,
        /// Number of its values in this training.
        expected: usize,
    },
    /// The numbers of the checkpoint contradict each other or this training.
    #[error("the checkpoint is damaged or of another training: {0}; start the training again")]
    CheckpointProgress(String),
    /// The loss, the gradient or a parameter is not finite.
    #[error(
        "training diverged at step {step}: {reason}; the largest gradients are {largest_gradients}. Lower \
         train.learning_rate or set train.max_grad_norm"
    )]
    Diverged {
        /// Step number.
        step: usize,
        /// The loss, the gradient norm or the parameter that is not finite.
        reason: String,
        /// Names and norms of the largest gradients.
        largest_gradients: String,
    },
    /// The model cannot be built.
    #[error(transparent)]
    Model(#[from] stapes_nn::ModelError),
}
