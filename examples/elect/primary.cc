// A service with one primary among its processes: whoever is elected does the work, and shows the sequencer of its
// election to the server that it works on (elect/resource_server.cc).
//
//   primary HOST:PORT,... NAME ID RESOURCE_PORT
//
// NAME is the file in the cell that they are elected by, ID what stands in it while we are primary. SIGTERM and SIGINT
// end it in order: then the next one need not wait.
#include <arpa/inet.h>
#include <conclave/client/blocking/lock.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using conclave::Duration;
using conclave::blocking::Client;
using conclave::blocking::Lock;

namespace {

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

// One request to the resource server.
std::string write_resource(int port, const std::string& sequencer, const std::string& text) {
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer = "no answer";
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = sequencer + "\n" + text + "\n";
    send(server, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[100];
    const ssize_t size = recv(server, buffer, sizeof(buffer), 0);
    if (size > 0) answer.assign(buffer, static_cast<size_t>(size) - 1);
  }
  close(server);
  return answer;
}

// [serve]
// Until somebody asks us to stop: waits to be primary, and works while we are.
void serve(Client& client, const std::string& name, const std::string& id, int port, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto primary = Lock::acquire(client, name, {.identity = id}, {.stop = stop});
    if (!primary) {
      if (stop.stop_requested()) return;
      say("not elected: " + std::string(to_string(primary.error().code)) + " " + primary.error().message);
      client.restart();  // if the session has expired: with a new one
      std::this_thread::sleep_for(std::chrono::seconds(1));
      continue;
    }
    say("primary: " + primary->sequencer());
    for (int n = 1; !stop.stop_requested() && !primary->wait_lost(Duration::millis(100)); ++n) {
      const std::string text = id + " " + std::to_string(n);
      say(text + ": " + write_resource(port, primary->sequencer(), text));
    }
    if (primary->lost()) say("not primary any more");
    client.restart();
  }  // the lock is released here: the next one is primary at once
}
// [end]

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: primary HOST:PORT,... NAME ID RESOURCE_PORT\n");
    return 2;
  }
  // [main]
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto client = Client::create(argv[1]);
  if (!client) {
    std::fprintf(stderr, "primary: %s\n", client.error().message.c_str());
    return 2;
  }
  (*client)->on_session([](conclave::chubby::SessionEvent event) { say(std::string(to_string(event))); });
  std::jthread worker(
      [&](const std::stop_token& stop) { serve(**client, argv[2], argv[3], std::atoi(argv[4]), stop); });

  int signal = 0;
  sigwait(&signals, &signal);
  // [end]
  return 0;  // stops the worker, then ends the session
}
