#include "daemon/service.h"

int main(int argc, char** argv) {
    kaigo::SystemClock clock;
    return kaigo::daemon::service(argc, argv, clock);
}
