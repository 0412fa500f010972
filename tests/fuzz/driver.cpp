// Runs a fuzz target without libFuzzer: every file of the folders named, and a fixed set of
// mutations of each.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/random.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// Truncates, or overwrites, removes or repeats a few bytes.
std::string mutate(std::string bytes, walras::Rng& random) {
  const std::uint64_t edits = 1 + random.below(4);
  for (std::uint64_t i = 0; i < edits && !bytes.empty(); ++i) {
    const std::size_t at = random.below(bytes.size());
    switch (random.below(4)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(random.below(256));
        break;
      case 2:
        bytes.erase(at, 1 + random.below(8));
        break;
      default:
        bytes.insert(at, bytes.substr(random.below(bytes.size()), 1 + random.below(16)));
    }
  }
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  try {
    for (int i = 1; i < count; ++i) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    run("");
    for (const auto& file : files) {
      const std::string seed = walras::read_text(file);
      run(seed);
      walras::Rng random(1, file.filename().string());
      for (int i = 0; i < 500; ++i) run(mutate(seed, random));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::printf("%zu seeds\n", files.size());
  return files.empty() ? 1 : 0;
}
