#include "sim/world/pages.h"

#include <algorithm>
#include <cstring>

namespace conclave::sim {

Pages::Page& Pages::own(uint64_t number) {
  auto& page = pages_[number];
  if (page == nullptr) {
    page = std::make_shared<Page>();
  } else if (page.use_count() > 1) {
    page = std::make_shared<Page>(*page);
  }
  return *page;
}

void Pages::write(uint64_t offset, BytesView bytes) {
  if (bytes.empty()) return;
  const uint64_t end = offset + bytes.size();
  size_ = std::max(size_, end);
  const uint64_t pages = (end + kPage - 1) / kPage;
  if (pages_.size() < pages) pages_.resize(pages);
  while (!bytes.empty()) {
    const uint64_t within = offset % kPage;
    const auto n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), kPage - within));
    std::memcpy(own(offset / kPage).data() + within, bytes.data(), n);
    bytes.remove_prefix(n);
    offset += n;
  }
}

Bytes Pages::read(uint64_t offset, size_t size) const {
  if (offset >= size_) return {};
  Bytes out(static_cast<size_t>(std::min<uint64_t>(size, size_ - offset)), '\0');
  for (size_t done = 0; done < out.size();) {
    const uint64_t number = (offset + done) / kPage;
    const uint64_t within = (offset + done) % kPage;
    const auto n = static_cast<size_t>(std::min<uint64_t>(out.size() - done, kPage - within));
    if (number < pages_.size() && pages_[number] != nullptr) {
      std::memcpy(out.data() + done, pages_[number]->data() + within, n);
    }
    done += n;
  }
  return out;
}

void Pages::resize(uint64_t size) {
  if (size < size_) {
    const uint64_t kept = (size + kPage - 1) / kPage;
    if (pages_.size() > kept) pages_.resize(kept);
    const uint64_t last = size / kPage;  // what is cut off must read as zeroes if the file grows again
    if (last < pages_.size() && pages_[last] != nullptr) {
      std::fill(own(last).begin() + static_cast<std::ptrdiff_t>(size % kPage), own(last).end(), '\0');
    }
  }
  size_ = size;
}

}  // namespace conclave::sim
