#pragma once
// Export of a saved network to ONNX, scaler included: raw windows in, predictions in units of the
// target out, in any runtime that reads the format. Torch-free; the protobuf is our own.
#include <string>

#include "models/archive.hpp"

namespace walras::models {

/// The model file of a predictor's archive. Input "window" (rows, channels, steps), output
/// "prediction" (rows, outputs); opset 17. Kinds: mlp, price_cnn without attention, deeplob.
/// Throws Error{Usage} for another kind or an objective whose first task is no value.
[[nodiscard]] std::string export_onnx(const Archive& saved);

}  // namespace walras::models
