// env::Files on a virtual disk, for one life of a host. Each call spends virtual time on the disk (disk.h).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/files.h"
#include "sim/world/disk.h"
#include "sim/world/life.h"

namespace conclave::sim {

class Files final : public env::Files {
 public:
  Files(std::shared_ptr<Life> life, Disk& disk) : life_(std::move(life)), disk_(disk) {}

  Result<std::unique_ptr<env::File>> open(std::string_view name, Open mode) override;
  Result<std::vector<std::string>> list(std::string_view directory) override;
  Result<bool> exists(std::string_view name) override;
  Result<> make_directory(std::string_view name) override;
  Result<> rename(std::string_view from, std::string_view to) override;
  Result<> remove(std::string_view name) override;
  Result<> sync_directory(std::string_view directory) override;
  Result<> lock() override;
  Result<uint64_t> free_bytes() override;

 private:
  struct Place {
    std::shared_ptr<Inode> directory;
    std::string name;
    std::shared_ptr<Inode> inode;  // null if there is none
  };
  Result<Place> find(std::string_view name) const;
  Result<std::shared_ptr<Inode>> find_directory(std::string_view name) const;

  std::shared_ptr<Life> life_;
  Disk& disk_;
};

}  // namespace conclave::sim
