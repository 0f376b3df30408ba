// A server whose resource belongs to the primary: it does as the newest primary says, and refuses every former one,
// however late its requests arrive. It has no session with the cell.
//
//   resource_server PORT NAME
//
// A request is two lines, the sequencer and a text; the answer is one.
#include <arpa/inet.h>
#include <conclave/wire/chubby/sequencer.h>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// [verify]
class Resource {
 public:
  explicit Resource(std::string lock) : lock_(std::move(lock)) {}

  bool write(const std::string& sequencer, const std::string& text) {
    if (!verifier_.accept(sequencer, lock_)) return false;  // a former primary, or none
    text_ = text;
    return true;
  }

 private:
  const std::string lock_;
  conclave::SequencerVerifier verifier_;
  std::string text_;
};
// [end]

std::string read_lines(int socket, int count) {
  std::string text;
  char byte = 0;
  while (count > 0 && recv(socket, &byte, 1, 0) == 1) {
    text += byte;
    if (byte == '\n') --count;
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: resource_server PORT NAME\n");
    return 2;
  }
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(listener, 16) != 0) {
    std::perror("resource_server");
    return 1;
  }
  std::puts("listening");
  Resource resource(argv[2]);
  for (;;) {
    std::fflush(stdout);
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    const std::string request = read_lines(client, 2);
    const size_t end = request.find('\n');
    if (end != std::string::npos) {
      const std::string text = request.substr(end + 1, request.size() - end - 2);
      const bool done = resource.write(request.substr(0, end), text);
      const std::string answer = done ? "done\n" : "refused\n";
      send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      std::printf("%s: %s", text.c_str(), answer.c_str());
    }
    close(client);
  }
}
