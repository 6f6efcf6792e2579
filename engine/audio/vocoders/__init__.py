"""From a log-mel back to sound: Griffin-Lim, the refiner network, and the table that names them."""
