#include "jobs/command_line.h"

int main(int argc, char** argv) {
    kaigo::SystemClock clock;
    return kaigo::jobs::run_process(argc, argv, clock);
}
