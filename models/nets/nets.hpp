#pragma once
// One line for each file of this folder: adds its architectures. Their classes stay in the files.
#include "models/net.hpp"

namespace walras::models {

void add_mlp(Nets& nets);
void add_price_cnn(Nets& nets);
void add_profile_cnn(Nets& nets);
void add_lstm(Nets& nets);
void add_transformer(Nets& nets);
void add_hybrid(Nets& nets);
void add_deeplob(Nets& nets);
void add_translob(Nets& nets);
void add_tlob(Nets& nets);

}  // namespace walras::models
